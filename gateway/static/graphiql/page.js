"use strict";

// GraphiQL's dialogs lock scrolling with a style element of their own, which takes its nonce from here.
window.__webpack_nonce__ = document.currentScript.nonce;

// Variables hold id numbers, so nothing is kept in this browser: no local storage, no history on disk.
const memory = new Map();
const forgetful = {
  get length() {
    return memory.size;
  },
  getItem: (key) => memory.get(key) ?? null,
  setItem: (key, value) => void memory.set(key, value),
  removeItem: (key) => void memory.delete(key),
  clear: () => memory.clear(),
};

const query = `# 信用主体查询 · One subject, one question, every department.
#
# 谁在查: 在下方 Headers 中填写令牌。 Who asks: put the token under Headers.
# 查谁: 身份证号和姓名只放在 Variables 中。 Whom: numbers and names go under Variables only.
# 有哪些信息: 无需令牌。 What there is, for anyone:

query WhatThereIs {
  catalogue {
    version
    departments {
      code
      name { zh en }
    }
    recordTypes {
      code
      name { zh en }
    }
  }
}
`;

const send = GraphiQL.createFetcher({ url: "/graphql" });

// An empty token is no token: the public part of the graph needs none.
function fetcher(parameters, options = {}) {
  const headers = { ...options.headers };
  for (const [name, value] of Object.entries(headers)) {
    if (/^authorization$/i.test(name) && /^(Bearer)?\s*$/i.test(value)) delete headers[name];
  }
  return send(parameters, { ...options, headers });
}

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher,
    storage: forgetful,
    defaultQuery: query,
    defaultHeaders: JSON.stringify({ Authorization: "Bearer " }, null, 2),
    defaultEditorToolsVisibility: "headers",
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
  }),
);
