// Drives the public key store client, unmodified: one JSON job per line in, one JSON result per line out.
//
// node keystore_client.js NODE_MODULES HOST:PORT
// jobs: {"eui", "usage"} or {"serial"} or {"subject": "name" | "alt", "eui", "usage", "status", "role"}
const path = require('node:path')
const readline = require('node:readline')
const { writeFileSync, mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')

const [modules, address] = process.argv.slice(2)
const client = require(path.join(modules, '@smartdcc/dccboxed-keystore'))
const { search, query } = require(path.join(modules, '@smartdcc/dccboxed-keystore/dist/certificateSearch.js'))

const shown = ({ eui, serial, role, keyUsage, certificate }) => ({
  eui: eui.toString(),
  serial: serial.toString(16),
  role: role ?? null,
  keyUsage,
  der: certificate.raw.toString('base64'),
})

async function run(store, job) {
  if (job.subject !== undefined) {
    const name = job.subject === 'name' ? 'CertificateSubjectName' : 'CertificateSubjectAltName'
    const filter = { CertificateUsage: job.usage, CertificateStatus: job.status, q: { [name]: job.eui } }
    if (job.role !== undefined) filter.CertificateRole = job.role
    const found = await search(filter, address)
    return found.map(({ meta, x509 }) => shown({ ...meta, certificate: x509 }))
  }
  if (job.retrieve !== undefined) {
    const found = await query(job.retrieve, address)
    return found === null ? null : [shown({ ...found.meta, certificate: found.x509 })]
  }
  const options =
    job.serial !== undefined
      ? { lookup: 'certificate', serial: BigInt(job.serial) }
      : { lookup: 'certificate', eui: job.eui, keyUsage: client.KeyUsage[job.usage] }
  const found = await store.query(options)
  if (found === null) return null
  return (Array.isArray(found) ? found : [found]).map(shown)
}

async function main() {
  const folder = mkdtempSync(path.join(tmpdir(), 'keystore-'))
  const backing = path.join(folder, 'empty.json') // nothing built in: every answer comes from the server
  writeFileSync(backing, '{}')
  const store = await client.BoxedKeyStore.new(address, path.join(folder, 'local.json'), backing)
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let result
    try {
      result = { found: await run(store, JSON.parse(line)) }
    } catch (error) {
      result = { error: error.message }
    }
    process.stdout.write(JSON.stringify(result) + '\n')
  }
  rmSync(folder, { recursive: true })
}

main()
