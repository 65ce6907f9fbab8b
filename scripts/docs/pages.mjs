// The pages of the documentation: what each is made of. A part is a file, or a section of README.md by its anchor; `api` is made
// of the types.

/** In the order of the menu, by group. */
export const GROUPS = {
  'Start here': [
    { name: 'index', title: 'Guide', parts: ['docs/guide.md'], about: 'From nothing to a swarm: broadcasts, direct messages, requests, channels, presence, files.' },
    { name: 'get', title: 'Get it', parts: ['README.md#get-it'], about: 'Script tag, npm, slim, Yjs, Node, and what each weighs.' },
    { name: 'when-not', title: 'When not to use it', parts: ['docs/when-not.md', 'README.md#limits'], about: 'What it does not do, and what does that instead.' },
    { name: 'migration', title: 'From the original', parts: ['docs/migration.md'], about: 'Coming from the JavaScript Easypeers: what stays, what is new, what to look at.' },
  ],
  Reference: [
    { name: 'api', title: 'API', parts: ['api'], about: 'Each member with its type and an example; one address each, such as api.html#send.' },
    { name: 'reference', title: 'Options, values, errors', parts: ['README.md#api'], about: 'All options and methods in tables, what can be sent, and every error code.' },
    { name: 'node', title: 'In Node', parts: ['docs/node.md'], about: 'Bots, bridges, a peer at a terminal, in a pipe, or always on.' },
    { name: 'yjs', title: 'With Yjs', parts: ['docs/yjs.md'], about: 'A document that many write, cursors and all, also for those who come from y-webrtc.' },
    { name: 'automerge', title: 'With Automerge', parts: ['docs/automerge.md'], about: 'Repositories of automerge-repo, connected with those of their neighbors.' },
    { name: 'tinybase', title: 'With TinyBase', parts: ['docs/tinybase.md'], about: 'One store of those of all pages.' },
  ],
  'In earnest': [
    { name: 'deployment', title: 'Deployment', parts: ['docs/deployment.md'], about: 'Trackers of your own for a hundred or for millions, TURN, Content-Security-Policy.' },
    { name: 'troubleshooting', title: 'Why it does not connect', parts: ['docs/troubleshooting.md'], about: 'What to look at, in which order, and a diagnosis of this browser.' },
    { name: 'security', title: 'Security', parts: ['docs/security.md'], about: 'What the proofs prove, who could attack, and what does not hold.' },
  ],
  'How it works': [
    { name: 'how', title: 'In three steps', parts: ['README.md#how-it-works'], about: 'Introduction, mesh and messages, in a picture.' },
    { name: 'mesh', title: 'The mesh', parts: ['docs/mesh.md'], about: 'Why it is as it is, what was compared and measured.' },
    { name: 'scale', title: 'How far it goes', parts: ['docs/scale.md'], about: 'Measured to 100,000 peers, estimated to ten million, and what breaks first.' },
    { name: 'beside', title: 'Beside others', parts: ['README.md#beside-others'], about: 'The same scenes in other libraries.' },
    { name: 'wire', title: 'The wire', parts: ['docs/wire.md'], about: 'Every packet, and how the protocol may change.' },
    { name: 'architecture', title: 'Architecture', parts: ['docs/architecture.md'], about: 'How the code is laid out, and recipes.' },
    { name: 'build', title: 'The build', parts: ['docs/build.md'], about: 'From Rust to one script, byte for byte the same everywhere.' },
  ],
}

export const PAGES = Object.values(GROUPS).flat()
