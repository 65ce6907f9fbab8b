// What www/editor.js is made with, as one script: the pages of www/ are plain, and npm is not there.
export { defaultKeymap } from '@codemirror/commands'
export { EditorState } from '@codemirror/state'
export { drawSelection, EditorView, keymap, placeholder } from '@codemirror/view'
export { yCollab, yUndoManagerKeymap } from 'y-codemirror.next'
export { createAbsolutePositionFromRelativePosition, Doc, UndoManager } from 'yjs'
export { EasypeersProvider } from '../../src/yjs/index.mjs'
