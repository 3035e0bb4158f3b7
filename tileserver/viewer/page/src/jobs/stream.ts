// Event streams (HTML Living Standard, 9.2), read by fetch: an EventSource cannot carry
// the Authorization header.

export interface Message { id: string; event: string; data: string }

// createParser returns a function that takes the text of a stream in pieces, cut anywhere,
// and hands out each event once it is whole; and what the stream said of how many
// milliseconds to wait before coming again. Comments are read over.
export function createParser(hand: (message: Message) => void, retry: (ms: number) => void): (piece: string) => void {
  let rest = '';
  let lastID = '';
  let event = '';
  let data: string[] = [];
  const line = (text: string) => {
    if (text === '') {
      if (data.length) hand({ id: lastID, event: event || 'message', data: data.join('\n') });
      event = '';
      data = [];
      return;
    }
    const colon = text.indexOf(':');
    const name = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '');
    if (name === 'id' && !value.includes('\0')) lastID = value;
    if (name === 'event') event = value;
    if (name === 'data') data.push(value);
    if (name === 'retry' && /^\d+$/.test(value)) retry(Number(value));
  };
  return (piece) => {
    rest += piece;
    // A carriage return at the very end may be the first half of a line's end.
    const whole = rest.endsWith('\r') ? rest.slice(0, -1) : rest;
    const lines = whole.split(/\r\n|\n|\r/);
    rest = (lines.pop() ?? '') + rest.slice(whole.length);
    for (const text of lines) line(text);
  };
}
