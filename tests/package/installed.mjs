// The package as its users get it: packed, installed into a folder of its own far from this repository.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const exec = promisify(execFile)

/** Runs a program and returns what it says; what it says when it fails is in the error. */
export async function say(command, args, options = {}) {
  try {
    const { stdout } = await exec(command, args, { cwd: ROOT, ...options })
    return stdout
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')}\n${error.stdout}\n${error.stderr}`)
  }
}

/**
 * A project that depends on the package.
 * @param {Record<string, string>} files its own files
 * @param {string[]} packages what else it installs, by name and version: of those that this repository installs
 * @returns {Promise<string>} its folder, gone after the test `t`
 */
export async function project(t, files = {}, packages = []) {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'easypeers-package-'))
  t.after(() => rm(dir, { recursive: true }))
  const [{ filename }] = JSON.parse(await say('npm', ['pack', '--json', '--pack-destination', dir]))
  await writeFile(path.join(dir, 'package.json'), '{ "private": true }')
  await say('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', path.join(dir, filename), ...packages], { cwd: dir })
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(dir, name), text)
  return dir
}

/** The manifest that was packed. */
export const manifest = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'))
