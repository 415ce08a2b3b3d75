// The data of the page: gzipped JSON in base64, unpacked when it is first needed.

const waiting = new Map(); // chunk number -> promise of its articles
const arriving = new Map(); // chunk number -> what to call with the base64 that a file brought

async function unpacked(base64) {
  const packed = bytesOf(base64.trim());
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const letters = atob(base64);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i += 1) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

function block(id) {
  return document.getElementById(id);
}

/** The articles of a chunk: from the page, or from a file beside it. Unpacked once. */
function chunkOf(number) {
  if (!waiting.has(number)) {
    const inPage = block(`chunk-${number}`);
    const base64 = inPage ? Promise.resolve(inPage.textContent) : chunkFile(number);
    waiting.set(number, base64.then(unpacked));
    waiting.get(number).catch(() => waiting.delete(number)); // so that it can be tried again
  }
  return waiting.get(number);
}

// A page opened from disk may not fetch its neighbours, but it may run them: each file is a
// call of `evalharnessChunk(number, base64)`.
function chunkFile(number) {
  return new Promise((resolve, reject) => {
    arriving.set(number, resolve);
    const script = make("script", { src: `chunks/chunk-${Math.trunc(number)}.js` });
    script.onerror = () => reject(new Error(`chunks/chunk-${number}.js is not beside the page`));
    script.onload = () => script.remove();
    document.head.append(script);
  });
}

globalThis.evalharnessChunk = (number, base64) => arriving.get(number)?.(base64);
