/**
 * The script of pages that wait, constant, named in the policy by its hash. A page says everything without it.
 *
 * Buttons marked `data-copy` copy their text, say so in the element after their own, and show only where that is possible.
 * A `main` marked `data-watch` asks that address whether what the page waits for has ended, and loads the page anew when it
 * has, or is there no more.
 */
export const pageScript = `
for(const b of document.querySelectorAll('button[data-copy]')){
if(!navigator.clipboard)break
b.hidden=false
b.addEventListener('click',()=>navigator.clipboard.writeText(b.dataset.copy).then(()=>{b.parentElement.nextElementSibling.textContent=b.dataset.copied}))
}
for(const m of document.querySelectorAll('main[data-watch]')){
const ask=()=>fetch(m.dataset.watch,{cache:'no-store'}).then(r=>r.status===404?{}:r.json()).then(s=>s.status==='pending').catch(()=>true).then(live=>{if(live)setTimeout(ask,2000);else location.replace(location.pathname)})
setTimeout(ask,2000)
}
`;

/**
 * The script of pages with a secret field, constant, too, and allowed to reach nothing: it shows what was typed while its
 * person wants to see it, and hides it again before the form is sent, so that no browser keeps it as ordinary text.
 */
export const revealScript = `
for(const b of document.querySelectorAll('button[data-reveal]')){
const f=document.getElementById(b.dataset.reveal)
const set=on=>{f.type=on?'text':'password';b.textContent=on?b.dataset.hide:b.dataset.show}
b.hidden=false
b.addEventListener('click',()=>set(f.type==='password'))
f.form.addEventListener('submit',()=>set(false))
}
`;
