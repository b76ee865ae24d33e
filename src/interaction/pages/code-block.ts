import { html, type Html } from '../../web/html.ts';

/** A code that the person enters elsewhere, and where. On a page that watches for the end. */
export function codeBlock(
  { userCode, verificationUri }: { readonly userCode: string; readonly verificationUri: string },
  pageUrl: string,
): Html {
  const { host } = new URL(verificationUri);
  return html`<p><span class="dim">Your code</span> <strong class="code">${userCode}</strong></p>
    <div class="row">
      <button type="button" class="quiet" hidden data-copy="${userCode}">Copy the code</button>
    </div>
    <p role="status" class="dim"></p>
    <p><a class="act" href="${verificationUri}" rel="noreferrer" target="_blank">Open ${host}</a></p>
    <p class="dim">This page notices when you are done. <a href="${pageUrl}">Look now</a></p>`;
}
