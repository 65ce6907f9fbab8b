// The versions that tools and crate must agree on, read from where they are pinned.
import { readFileSync } from 'node:fs'

/** The exact version of wasm-bindgen that the crate is built with. */
export function bindgenVersion() {
  const manifest = readFileSync(new URL('../Cargo.toml', import.meta.url), 'utf8')
  return /^wasm-bindgen = "=([^"]+)"/m.exec(manifest)[1]
}
