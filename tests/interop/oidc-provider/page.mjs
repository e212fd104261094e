// What human.mjs needs of a browser: fetch a page, keep cookies, find forms and links in plain HTML.

const PATIENCE_MS = 30_000;

/** Sends one request, without following redirects. */
export async function load({ url, method, origin, body }, cookies) {
  const response = await fetch(url, {
    method,
    body,
    redirect: 'manual',
    // As browsers do, a form tells where it was posted from.
    headers: { accept: 'text/html', ...cookies.header(url), ...(origin && { origin }) },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  cookies.keep(url, response.headers.getSetCookie());
  return new Page(url, response, await response.text());
}

/** One answer, read with just enough HTML to find its forms and links. */
class Page {
  #url;
  #location;
  #html;

  constructor(url, response, html) {
    this.#url = url;
    this.#location = response.headers.get('location');
    this.#html = html;
    this.status = response.status;
  }

  get origin() {
    return new URL(this.#url).origin;
  }

  get title() {
    return unescape(this.#html.match(/<title>([^<]*)/i)?.[1] ?? '').trim();
  }

  redirect() {
    const isRedirect = this.status >= 300 && this.status < 400 && this.#location;
    return isRedirect ? { url: this.#resolve(this.#location), method: 'GET' } : undefined;
  }

  link(text) {
    const anchors = this.#html.matchAll(/<a\b([^>]*)>([^<]*)<\/a>/gi);
    const [, attributes] = [...anchors].find(([, , label]) => label === text);
    return this.#resolve(attribute(attributes, 'href'));
  }

  forms() {
    return [...this.#html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)].map(([, attributes, inner]) => {
      const inputs = [...inner.matchAll(/<input\b([^>]*)>/gi)].map(([, input]) => input);
      const named = inputs.filter((input) => attribute(input, 'name') && attribute(input, 'type') !== 'submit');
      return {
        page: this,
        id: attribute(attributes, 'id'),
        action: this.#resolve(attribute(attributes, 'action') ?? ''),
        fields: Object.fromEntries(named.map((input) => [attribute(input, 'name'), attribute(input, 'value') ?? ''])),
        buttons: [...inner.matchAll(/<button\b([^>]*)>/gi)].map(([, button]) => attribute(button, 'value')),
      };
    });
  }

  #resolve(reference) {
    return new URL(reference, this.#url).href;
  }
}

/** Cookies by host, as in RFC 6265 minus what one short walk does not need: domains and dates. */
export class CookieJar {
  #cookies = new Map();

  keep(url, headers) {
    for (const header of headers) {
      const [pair, ...attributes] = header.split(';').map((part) => part.trim());
      const [name, value] = split(pair);
      const path = attributes.map(split).find(([key]) => key.toLowerCase() === 'path')?.[1] ?? '/';
      this.#cookies.set(`${new URL(url).host} ${path} ${name}`, { host: new URL(url).host, path, name, value });
    }
  }

  header(url) {
    const { host, pathname } = new URL(url);
    const pairs = [...this.#cookies.values()]
      .filter((cookie) => cookie.host === host && covers(cookie.path, pathname))
      .map(({ name, value }) => `${name}=${value}`);
    return pairs.length > 0 ? { cookie: pairs.join('; ') } : {};
  }
}

// RFC 6265 section 5.1.4.
function covers(cookiePath, path) {
  return path === cookiePath || path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`);
}

function split(pair) {
  const at = pair.indexOf('=');
  return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
}

function attribute(text, name) {
  const value = text.match(new RegExp(`\\b${name}="([^"]*)"`, 'i'))?.[1];
  return value === undefined ? undefined : unescape(value);
}

function unescape(text) {
  const named = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text
    .replace(/&#x([0-9a-f]+);/gi, (_, code) => String.fromCodePoint(parseInt(code, 16)))
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replace(/&(amp|lt|gt|quot|apos);/g, (_, name) => named[name]);
}
