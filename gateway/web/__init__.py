"""Web pages for the person: sign in, my records, my consents, who looked at me."""
