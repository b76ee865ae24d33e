/** The page of an application that wants to know who is there. A name is enough. */
export function loginPage(hidden = {}) {
  const inputs = Object.entries(hidden).map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  );
  return page(
    'Sign in',
    `<form method="post">${inputs.join('')}<label>Name <input name="user"></label><button>Sign in</button></form>`,
  );
}

/** The page that asks whether a client may go on. */
export function consentPage(hidden = {}) {
  const inputs = Object.entries(hidden).map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  );
  return page(
    'Allow access?',
    `<form method="post">${inputs.join('')}<button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button></form>`,
  );
}

function page(title, body) {
  return `<!doctype html><html lang="en"><title>${title}</title><h1>${title}</h1>${body}</html>`;
}

function escapeHtml(text) {
  return String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
