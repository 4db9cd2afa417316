// The schema of one department: a section of records for each of its tables, on the person all share.

const KINDS = { points: 'Int' }

const type = section => `
type ${section.type} {
  recordType: String! nature: String! status: String provenance: Provenance!
  ${section.fields.map(field => `${field}: ${KINDS[field] ?? 'String'}`).join(' ')}
}
type ${section.type}Section { state: String! fetchedAt: String! records: [${section.type}!]! }`

const ROOTS = `
input PersonLookup { citizenId: ID! name: String! }
type Query { subject(person: PersonLookup!): Person subjects(persons: [PersonLookup!]!): [Person]! }`

export const sdl = ({ sections, register }) => `
extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])
type Provenance @shareable { department: String! system: String! sourceUpdatedAt: String }
type Person @key(fields: "citizenId") {
  citizenId: ID!
  ${register ? 'kind: String! displayName: String!' : ''}
  ${sections.map(section => `${section.name}: ${section.type}Section`).join('\n  ')}
}
${sections.map(type).join('\n')}
${register ? ROOTS : ''}`
