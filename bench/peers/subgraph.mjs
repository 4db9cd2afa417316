// One department as a federated subgraph: `node subgraph.mjs <departments.json> <source>`. GraphQL Yoga with its
// parser and validation caches, a DataLoader a table and request, prepared statements, four connections.
import DataLoader from 'dataloader'
import { buildSubgraphSchema } from '@apollo/subgraph'
import { createYoga } from 'graphql-yoga'
import { createServer } from 'node:http'
import { parse } from 'graphql'
import { readFileSync } from 'node:fs'
import { connect } from './databases.mjs'
import { sdl } from './sdl.mjs'

const [file, source] = process.argv.slice(2)
const department = JSON.parse(readFileSync(file, 'utf8')).find(each => each.source === source)
const { select, quoted } = connect(department)

const FORMS = {
  NORMAL: number => number,
  LOWER: number => number.toLowerCase(),
  DIGITS_15: number => number.slice(0, 6) + number.slice(8, 17),
}

/** Rows by citizen id; all ids of one tick are one statement. */
function loader(table) {
  const columns = Object.entries(table.columns).map(([field, column]) => `${column} AS ${quoted(field)}`)
  const sql = `SELECT ${table.key} AS keyed, ${columns.join(', ')} FROM ${table.table} WHERE ${table.key}`
  return new DataLoader(async numbers => {
    const places = new Map()
    numbers.forEach((number, place) => table.forms.forEach(form => places.set(FORMS[form](number), place)))
    const found = numbers.map(() => [])
    for (const row of await select(sql, [...places.keys()])) found[places.get(row.keyed)].push(row)
    return found
  })
}

const record = section => row => ({
  ...row,
  recordType: section.recordType,
  nature: section.nature,
  provenance: { department: section.department, system: section.system, sourceUpdatedAt: row.updated },
})

const sections = Object.fromEntries(department.sections.map(section => [section.name, async (person, _, { loaders }) => {
  const rows = await loaders[section.name].load(person.citizenId)
  return { state: 'OK', fetchedAt: new Date().toISOString(), records: rows.map(record(section)) }
}]))

async function confirmed({ citizenId, name }, { register }) {
  const rows = await register.load(citizenId)
  return rows.some(row => row.name === name && row.state === '10') ? { citizenId, displayName: name } : null
}

const resolvers = {
  Person: { ...sections, kind: () => 'NATURAL_PERSON', __resolveReference: reference => reference },
  Query: {
    subject: (_, { person }, context) => confirmed(person, context),
    subjects: (_, { persons }, context) => persons.map(person => confirmed(person, context)),
  },
}
if (!department.register) {
  delete resolvers.Query
  delete resolvers.Person.kind
}

const yoga = createYoga({
  schema: buildSubgraphSchema({ typeDefs: parse(sdl(department)), resolvers }),
  context: () => ({
    loaders: Object.fromEntries(department.sections.map(section => [section.name, loader(section)])),
    register: department.register && loader(department.register),
  }),
  graphiql: false,
  landingPage: false,
  logging: false,
})
createServer(yoga).listen(department.port, '127.0.0.1')
