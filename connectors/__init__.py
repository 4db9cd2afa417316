"""How a department is read: SQL, REST. Knows columns and codecs; nothing of users, GraphQL or HTTP."""
