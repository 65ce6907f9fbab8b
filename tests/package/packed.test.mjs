// The form that the module travels in: sorted, compressed, its names shortened, and whole again.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import binaryen from 'binaryen'
import { compress } from 'lzma1'
import { decompress } from '../../scripts/lzma.mjs'
import { shorten } from '../../scripts/names.mjs'
import { merge, split } from '../../scripts/streams.mjs'

const HEADER = 13

/** Bytes that look like chance and are the same every time. */
function noise(length, seed = 1) {
  return Uint8Array.from({ length }, () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 24)
}

const words = new TextEncoder().encode('peer swarm tracker announce offer answer graft prune '.repeat(400))
for (const [what, bytes] of Object.entries({
  'one byte': Uint8Array.of(7),
  'one byte many times': new Uint8Array(100_000).fill(1),
  'chance': noise(20_000),
  'text that repeats': words,
  'repetitions near and far, with gaps': Uint8Array.from([...noise(40_000), ...words, ...noise(40_000), ...words.map((c, i) => (i % 97 ? c : 0))]),
})) {
  test(`${what} is read as the library wrote it`, () => {
    assert.deepEqual(decompress(compress(bytes, 9).slice(HEADER), bytes.length), bytes)
  })
}

// An instruction of every shape of immediates, a body with a size of two bytes, and one with one byte.
const TEXT = `(module
  (import "./glue_bg.js" "__wbg_log_1" (func $log (param i32)))
  (import "./snippet.js" "kept" (func $kept (param i64) (result f64)))
  (memory (export "memory") 1) (table (export "unused") 2 funcref) (global $stack (mut i32) (i32.const 65536))
  (data $words "passive") (elem (i32.const 0) $small $large)
  (type $unary (func (param i32) (result i32)))
  (func $small (export "small") (param i32) (result i32) (i32.add (local.get 0) (global.get $stack)))
  (func $large (export "large") (param $n i32) (result i32) (local $wide i64) (local $real f64)
    (memory.init $words (i32.const 0) (i32.const 0) (i32.const 7)) (data.drop $words)
    (memory.copy (i32.const 1) (i32.const 0) (i32.const 7)) (memory.fill (i32.const 9) (i32.const 0) (i32.const 1))
    (local.set $wide (i64.const -9223372036854775808)) (local.set $real (f64.const 1.5)) (drop (f32.const 0.25))
    (global.set $stack (local.tee $n (i32.load16_u offset=70000 (local.get $n))))
    (block $out (loop $again (br_table $out $again $out (local.get $n)))
      (if (local.get $n) (then (br $out)) (else (br_if $out (i32.eqz (local.get $n))))))
    (local.set $real (call $kept (local.get $wide))) (call $log (i32.trunc_sat_f64_s (local.get $real)))
    ${'(call $log (i32.const 300))'.repeat(30)}
    (drop (select (result f64) (local.get $real) (f64.const 0) (memory.grow (i32.const 0))))
    (call_indirect (type $unary) (local.get $n) (i32.const 0))))`

function assemble() {
  const module = binaryen.parseText(TEXT)
  module.setFeatures(binaryen.Features.All)
  assert.ok(module.validate())
  return Buffer.from(module.emitBinary())
}

test('a module that was sorted and merged is the same, byte by byte', () => {
  const module = assemble()
  assert.deepEqual(Buffer.from(merge(split(module))), module)
})

test('module and glue still find each other by their short names', () => {
  const glue = 'const imports = {\n    __wbg_log_1: function(n) { logged.push(n) },\n}\nwasm.large(1); wasm.memory\n'
  const short = shorten(assemble(), glue)
  const module = new WebAssembly.Module(short.wasm)
  assert.deepEqual(WebAssembly.Module.imports(module).map(({ name }) => name), ['_0', 'kept'])
  assert.deepEqual(WebAssembly.Module.exports(module).map(({ name }) => name), ['_1', 'unused', 'small', '_2'])
  assert.equal(short.glue, 'const imports = {\n    _0: function(n) { logged.push(n) },\n}\nwasm._2(1); wasm._1\n')
})
