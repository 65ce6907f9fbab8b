// The names that the module and its glue call each other by, shortened.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import binaryen from 'binaryen'
import { shorten } from '../../scripts/names.mjs'

const TEXT = `(module
  (import "./glue_bg.js" "__wbg_log_1" (func $log (param i32)))
  (import "./snippet.js" "kept" (func $kept (param i64) (result f64)))
  (memory (export "memory") 1) (table (export "unused") 2 funcref)
  (func (export "small") (call $log (i32.const 1)))
  (func (export "large") (param i32) (call $log (local.get 0)) (drop (call $kept (i64.const 1)))))`

function assemble() {
  const module = binaryen.parseText(TEXT)
  module.setFeatures(binaryen.Features.All)
  assert.ok(module.validate())
  return Buffer.from(module.emitBinary())
}

test('module and glue still find each other by their short names', () => {
  const glue = 'const imports = {\n    __wbg_log_1: function(n) { logged.push(n) },\n}\nwasm.large(1); wasm.memory\n({ "./glue_bg.js": imports, "./snippet.js": snippet })'
  const short = shorten(assemble(), glue)
  const module = new WebAssembly.Module(short.wasm)
  assert.deepEqual(WebAssembly.Module.imports(module).map(({ name }) => name), ['_0', 'kept'])
  assert.deepEqual(WebAssembly.Module.exports(module).map(({ name }) => name), ['_1', 'unused', 'small', '_2'])
  assert.deepEqual(WebAssembly.Module.imports(module).map(({ module }) => module), ['_0', '_1'])
  assert.equal(short.glue, 'const imports = {\n    _0: function(n) { logged.push(n) },\n}\nwasm._2(1); wasm._1\n({ _0: imports, _1: snippet })')
})
