// Elements. Text of a run comes in as text nodes only: no markup is ever parsed, no address set.

/** A control character as its picture (NUL as ␀), one code unit for one, so that offsets hold. */
function visible(text) {
  return String(text ?? "")
    .replace(/\r(\n?)/g, (_, newline) => (newline ? " \n" : "\n"))
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, (c) =>
      String.fromCharCode(0x2400 + c.charCodeAt(0)))
    .replace(/\u007f/g, "\u2421");
}

/** An element of our own: attributes by name, then children; strings become text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, visible(value));
  }
  element.append(...children.filter((child) => child != null && child !== ""));
  return element;
}

/** Text of a run in an element of its own direction, whose overrides end with it. */
function said(tag, className, text) {
  return make(tag, { class: className || null, dir: "auto" }, visible(text));
}

const count = new Intl.NumberFormat("en");

function plural(n, one, many = `${one}s`) {
  return `${count.format(n)} ${n === 1 ? one : many}`;
}

function clipped(text, length) {
  if (text.length <= length) return text;
  const cut = isLowSurrogate(text, length - 1) ? length - 2 : length - 1;
  return `${text.slice(0, cut)}…`;
}

function isLowSurrogate(text, at) {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}

function fillSelect(select, options) {
  select.replaceChildren(...options.map(([value, label]) => {
    const option = make("option", {}, clipped(visible(label), 60));
    option.value = value;
    return option;
  }));
}
