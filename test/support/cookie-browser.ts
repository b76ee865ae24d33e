export { createCookieBrowser, type CookieBrowser, type Page } from '../../demo/browser.ts';
