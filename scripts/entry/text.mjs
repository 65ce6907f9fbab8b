// Put in the place of the globals of these names, which the glue asks for as soon as it is loaded. Where there are none (jsdom),
// importing is safe all the same: the class says so when it is constructed, before anything is decoded.
class Missing {
  decode () {
    return ''
  }
}

const TextDecoder = globalThis.TextDecoder ?? Missing
const TextEncoder = globalThis.TextEncoder ?? Missing

export { TextDecoder, TextEncoder }
