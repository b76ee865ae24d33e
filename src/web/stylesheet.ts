/** The one stylesheet. Inlined, so that a page makes no request of its own. */
export const stylesheet = `
:root{color-scheme:light dark;--ink:#1b2430;--dim:#5a6675;--paper:#f6f7f9;--card:#fff;--line:#dfe3e8;--good:#1a7f4b;--bad:#b3261e;--act:#2355c5}
@media(prefers-color-scheme:dark){:root{--ink:#e8ebef;--dim:#a3adba;--paper:#12161c;--card:#1b212a;--line:#303844;--good:#58c48c;--bad:#f2998f;--act:#8db1ff}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:27rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.75rem;overflow-wrap:anywhere}
h1{margin:0 0 .5rem;font-size:1.3rem;line-height:1.3}
h1::before{display:inline-block;width:1.4em;font-weight:700}
.good h1::before{content:"✓";color:var(--good)}
.bad h1::before{content:"✕";color:var(--bad)}
h2{margin:1.5rem 0 0;font-size:1.05rem}
ul{margin:0;padding:0;list-style:none}
li{margin:.75rem 0 0;padding:.75rem 0 0;border-top:1px solid var(--line)}
li details{margin-top:.5rem}
.notice{padding:.6rem .8rem;border:1px solid var(--act);border-radius:.5rem}
p{margin:.5rem 0 0}
.sender{display:flex;align-items:center;gap:.5rem;margin:0 0 1rem;font-weight:600}
.sender img{max-width:8rem}
dl{display:grid;grid-template-columns:auto 1fr;gap:.2rem .9rem;margin:1rem 0 0;padding:.75rem 0 0;border-top:1px solid var(--line);font-size:.875rem}
dt{grid-column:1;color:var(--dim)}
dd{grid-column:2;margin:0}
.dim{color:var(--dim);font-size:.875rem}
a{color:var(--act)}
a.act{display:inline-block;margin-top:1rem;padding:.55rem 1rem;border-radius:.5rem;background:var(--act);color:var(--card);text-decoration:none;font-weight:600}
label{display:block;margin:1rem 0 .25rem;font-weight:600}
input,select,textarea{width:100%;padding:.55rem .7rem;border:1px solid var(--dim);border-radius:.5rem;background:transparent;color:inherit;font:inherit}
input[type=checkbox]{width:1.15em;height:1.15em;margin:0 .5em 0 0;vertical-align:-.15em;accent-color:var(--act)}
textarea{min-height:8rem;font-family:ui-monospace,monospace;font-size:.875rem}
button.reveal{flex:none;padding:.25rem .6rem;margin:.35rem 0 0;font-size:.875rem}
.row{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.25rem}
button{flex:1 1 7rem;padding:.6rem 1rem;border:1px solid var(--act);border-radius:.5rem;background:var(--act);color:var(--card);font:inherit;font-weight:600;cursor:pointer}
button.quiet{background:transparent;color:var(--act)}
details{margin-top:1.25rem}
summary{color:var(--act);cursor:pointer}
[hidden]{display:none}
.code{display:block;margin:.25rem 0 .5rem;font:700 1.7rem/1.3 ui-monospace,monospace;letter-spacing:.12em}
.wrong{color:var(--bad)}
button:focus-visible,input:focus-visible,select:focus-visible,textarea:focus-visible,summary:focus-visible,a:focus-visible{outline:3px solid var(--act);outline-offset:2px}
`;
