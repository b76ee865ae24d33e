/**
 * The one script, constant, named in the policy by its hash. A page says everything without it.
 *
 * Buttons marked `data-copy` copy their text, say so in the element after their own, and show only where that is possible.
 * A `main` marked `data-watch` asks that address whether what the page waits for has ended, and loads the page anew when it
 * has, or is there no more.
 */
export const pageScript = `
for(const b of document.querySelectorAll('button[data-copy]')){
if(!navigator.clipboard)break
b.hidden=false
b.addEventListener('click',()=>navigator.clipboard.writeText(b.dataset.copy).then(()=>{b.parentElement.nextElementSibling.textContent='Copied'}))
}
for(const m of document.querySelectorAll('main[data-watch]')){
const ask=()=>fetch(m.dataset.watch,{cache:'no-store'}).then(r=>r.status===404?{}:r.json()).then(s=>s.status==='pending').catch(()=>true).then(live=>{if(live)setTimeout(ask,2000);else location.replace(location.pathname)})
setTimeout(ask,2000)
}
`;
