// Building elements. No markup is ever parsed from strings, so nothing that the
// server or a user names can become part of the page's code.

// h makes an element. props are set as properties where the element has one and
// as attributes otherwise; on… props are listeners; children are nodes or text,
// and null, undefined and false are left out.
export function h(tag, props, ...children) {
  const el = document.createElement(tag);
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value == null || value === false) continue;
    if (key.startsWith('on')) el.addEventListener(key.slice(2), value);
    else if (key === 'class') el.className = value;
    else if (key === 'style') for (const [name, v] of Object.entries(value)) el.style.setProperty(name, v);
    else if (key in el && !key.includes('-')) el[key] = value;
    else el.setAttribute(key, value === true ? '' : value);
  }
  el.append(...children.flat(3).filter((c) => c != null && c !== false));
  return el;
}

// $ returns the element of index.html with this id.
export const $ = (id) => document.getElementById(id);

let toastTimer = 0;

// toast shows a message at the foot of the map; with an action it stays until
// it is closed or used.
export function toast(text, action) {
  const box = $('toast');
  const close = () => { box.hidden = true; };
  clearTimeout(toastTimer);
  box.replaceChildren(
    h('span', null, text),
    action && h('button', { type: 'button', onclick: () => { close(); action.run(); } }, action.label),
    h('button', { type: 'button', class: 'toast-close', 'aria-label': '×', onclick: close }, '×'),
  );
  box.hidden = false;
  if (!action) toastTimer = setTimeout(close, 8000);
}

// problemBox shows a Problem: what is wrong, the server's words, its code.
export function problemBox(problem, again) {
  const words = problem.words ? problem.words() : String(problem.message ?? problem);
  const advice = problem.advice ? problem.advice() : '';
  return h('div', { class: 'problem', role: 'alert', 'data-testid': 'problem' },
    h('strong', null, words),
    advice && h('p', null, advice),
    problem.code && h('code', null, problem.code),
    again && h('button', { type: 'button', onclick: again.run }, again.label));
}

// swatch is a small square in the colours of a legend entry: fill under its
// opacity, hatching, outline (dashed or not).
export function swatch(entry) {
  const box = h('span', { class: 'swatch', 'aria-hidden': 'true' });
  if (!entry) return box;
  const fill = `color-mix(in srgb, ${entry.fill || 'transparent'} ${Math.round(100 * (entry.fill_opacity ?? 1))}%, transparent)`;
  box.style.backgroundColor = fill;
  if (entry.hatch) box.style.backgroundImage = `repeating-linear-gradient(135deg, ${entry.hatch} 0 1.2px, transparent 1.2px 4px)`;
  box.style.borderColor = entry.line || entry.fill || 'currentcolor';
  if (entry.dashed) box.style.borderStyle = 'dashed';
  return box;
}
