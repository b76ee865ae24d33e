export {
  createCookieBrowser,
  type CookieBrowser,
  type CookieBrowserOptions,
  type Hop,
  type OpenOptions,
  type Page,
  type SignInOptions,
} from '../../demo/browser.ts';
