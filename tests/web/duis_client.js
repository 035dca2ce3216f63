// Drives the public DUIS client packages, unmodified: one JSON job per line in, one JSON result per line out.
//
// node duis_client.js NODE_MODULES BASE_URL
// jobs, numbers of any size as text:
//   {"do": "template", "name"}                       a packaged request as a simplified object
//   {"do": "exchange", "service", "request" | "xml"} build, sign, POST, check what comes back; "keep": false lets the
//                                                    signing tool choose the counter, "raw": true sends "xml" as it is
//   {"do": "listen", "port", "path"}                 a user's callback server, as the public one answers; each call is
//                                                    a line of its own: {"callback": ...}
//   {"do": "stop"}
const path = require('node:path')
const http = require('node:http')
const readline = require('node:readline')

const [modules, base] = process.argv.slice(2)
const load = (name) => require(path.join(modules, '@smartdcc', name))
const { constructDuis, parseDuis } = load('duis-parser')
const { signDuis, validateDuis } = load('duis-sign-wrap')

const MAX_CALLBACK = 100 * 1024
let server = null

const plain = (_, value) => (typeof value === 'bigint' ? value.toString() : value)
const say = (value) => process.stdout.write(JSON.stringify(value, plain) + '\n')

function withCounter(request) {
  const id = request.header?.requestId
  return id === undefined
    ? request
    : { ...request, header: { ...request.header, requestId: { ...id, counter: BigInt(id.counter) } } }
}

async function checked(xml) {
  try {
    return { valid: true, message: parseDuis('simplified', await validateDuis({ xml })) }
  } catch (error) {
    return { valid: false, reason: String(error.message ?? error) }
  }
}

function post(service, xml) {
  const headers = { 'Content-Type': 'application/xml', 'Content-Length': Buffer.byteLength(xml) }
  return new Promise((resolve, reject) => {
    const request = http.request(`${base}/api/v1/${service}`, { method: 'POST', headers }, (response) => {
      const chunks = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode,
          type: response.headers['content-type'],
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      )
    })
    request.on('error', reject)
    request.end(xml)
  })
}

async function exchange(job) {
  const unsigned = job.xml ?? constructDuis('simplified', withCounter(job.request))
  const signed = job.raw ? unsigned : await signDuis({ xml: unsigned, preserveCounter: job.keep ?? true })
  const began = process.hrtime.bigint()
  const answer = await post(job.service, signed)
  const milliseconds = Number((process.hrtime.bigint() - began) / 1000000n)
  return { sent: signed, milliseconds, ...answer, ...(await checked(answer.body)) }
}

function listen(job) {
  server = http.createServer((request, response) => {
    const end = (status) => response.writeHead(status).end()
    const chunks = []
    let size = 0
    request.on('data', (chunk) => {
      size += chunk.length
      if (size <= MAX_CALLBACK) chunks.push(chunk)
    })
    request.on('end', async () => {
      if (request.url !== job.path || request.headers['content-type'] !== 'application/xml') return end(404)
      if (size > MAX_CALLBACK) return end(413)
      const body = Buffer.concat(chunks).toString('utf8')
      const result = await checked(body)
      end(result.valid ? 204 : 400)
      say({ callback: { body, ...result } })
    })
  })
  return new Promise((resolve) =>
    server.listen(job.port, '127.0.0.1', () => resolve({ port: server.address().port })),
  )
}

async function run(job) {
  if (job.do === 'template') {
    const found = await load('duis-templates').loadTemplates({})
    const name = Object.keys(found).find((each) => each === job.name || path.basename(found[each].fileName) === job.name)
    if (name === undefined) throw new Error(`no template ${job.name}: ${Object.keys(found).slice(0, 3)} ...`)
    return { request: found[name].simplified }
  }
  if (job.do === 'exchange') return exchange(job)
  if (job.do === 'listen') return listen(job)
  if (job.do === 'stop') {
    server?.close()
    server?.closeAllConnections()
    return {}
  }
  throw new Error(`unknown job ${job.do}`)
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    try {
      say(await run(JSON.parse(line)))
    } catch (error) {
      say({ error: String(error.message ?? error) })
    }
  }
  server?.close()
  server?.closeAllConnections()
}

main()
