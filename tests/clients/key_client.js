// What a user does with the public key store, unmodified: one JSON job per line in, one JSON result per line out.
//
// node key_client.js NODE_MODULES HOST:PORT
// jobs: {"do": "sign", "eui", "payload"}       signs a pre-command (base64) with the user's packaged key "Z1-..."
//       {"do": "certificate", "eui", "usage"}  the certificates in use, from the server when they are not packaged
const path = require('node:path')
const readline = require('node:readline')
const crypto = require('node:crypto')
const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')

const [modules, address] = process.argv.slice(2)
const { BoxedKeyStore, KeyUsage } = require(path.join(modules, '@smartdcc/dccboxed-keystore'))

const PRE_COMMAND = 0xdf
const LENGTH = 64

async function sign(store, { eui, payload }) {
  const keys = await store.query({ lookup: 'privateKey', eui, keyUsage: KeyUsage.digitalSignature })
  const own = keys.find((each) => each.name?.startsWith('Z1-'))
  const message = Buffer.from(payload, 'base64')
  if (message[0] !== PRE_COMMAND || message.at(-1) !== 0) throw new Error('no pre-command with an empty signature')
  const content = message.subarray(1, -1)
  const signature = crypto.sign('sha256', content, { key: own.privateKey, dsaEncoding: 'ieee-p1363' })
  return { payload: Buffer.concat([message.subarray(0, -1), Buffer.from([LENGTH]), signature]).toString('base64') }
}

async function certificate(store, { eui, usage }) {
  const found = await store.query({ lookup: 'certificate', eui, keyUsage: KeyUsage[usage] })
  return { found: (found ?? []).map((each) => each.certificate.raw.toString('base64')) }
}

async function main() {
  const folder = mkdtempSync(path.join(tmpdir(), 'keys-'))
  const store = await BoxedKeyStore.new(address, path.join(folder, 'local.json'))
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let result
    try {
      const job = JSON.parse(line)
      result = await { sign, certificate }[job.do](store, job)
    } catch (error) {
      result = { error: String(error.message ?? error) }
    }
    process.stdout.write(JSON.stringify(result) + '\n')
  }
  rmSync(folder, { recursive: true })
}

main()
