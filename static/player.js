// Recordings: one at a time, at a chosen speed, with the waveform to see and jump by. Without this file the browser's own
// player plays; so it does where the waveform can't be drawn.
(() => {
  'use strict';

  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const on = (name, selector, run) => document.addEventListener(name, (event) => {
    const element = event.target instanceof Element && event.target.closest(selector);
    if (element) run(event, element);
  });
  const audioOf = (element) => { const player = element.closest('.player'); return player && one('audio', player); };
  const svg = (name, attributes) => {
    const made = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const clock = (seconds) => {
    const whole = Math.max(0, Math.floor(seconds));
    const rest = String(whole % 60).padStart(2, '0');
    return whole < 3600 ? `${Math.floor(whole / 60)}:${rest}` : `${Math.floor(whole / 3600)}:${String(Math.floor(whole / 60) % 60).padStart(2, '0')}:${rest}`;
  };

  document.addEventListener('play', (event) => {
    for (const audio of all('audio')) if (audio !== event.target) audio.pause();
  }, true);

  // Nothing is known of a recording before its head has arrived; only then can it be moved.
  function ready(audio, run) {
    if (audio.readyState > 0) return run();
    audio.addEventListener('loadedmetadata', run, { once: true });
    audio.load();
  }
  const toggle = (audio) => { if (audio.paused) audio.play().catch(() => {}); else audio.pause(); };
  const seek = (audio, seconds) => ready(audio, () => { audio.currentTime = Math.min(Math.max(0, seconds), audio.duration || seconds); });

  on('click', '[data-play]', (event, button) => toggle(audioOf(button)));
  on('click', '[data-skip]', (event, button) => {
    const audio = audioOf(button);
    seek(audio, audio.currentTime + Number(button.dataset.skip));
  });
  on('click', '[data-seek]', (event, button) => {
    const audio = audioOf(button);
    seek(audio, Number(button.dataset.seek));
    audio.play().catch(() => {});
  });
  on('click', '.player .wave', (event, wave) => {
    const box = wave.getBoundingClientRect();
    seek(audioOf(wave), (lengthOf(wave) * (event.clientX - box.left)) / box.width);
  });
  on('change', 'select[data-speeds]', (event, select) => { audioOf(select).playbackRate = Number(select.value); });

  // ---- the waveform: what was played is drawn over it, and a head where the recording is
  const lengthOf = (wave) => Number(wave.dataset.millis) / 1000;

  let dressed = 0;
  function dress(player) {
    const wave = one('svg.wave[data-millis]:not([data-dressed])', player);
    if (!wave) return;
    wave.dataset.dressed = '1';
    const played = one('path.bars', wave).cloneNode();
    played.setAttribute('class', 'played');
    const id = `played-${dressed += 1}`;
    const clip = svg('clipPath', { id });
    clip.append(svg('rect', { x: '0', y: '0', width: '0', height: '128' }));
    played.setAttribute('clip-path', `url(#${id})`);
    wave.append(clip, played, svg('path', { class: 'head', d: 'M0 -3v134' }));
    player.classList.add('drawn');
    one('audio', player).controls = false;
    const length = one('[data-length]', player);
    if (length) length.textContent = clock(lengthOf(wave));
    show(player);
  }

  function show(player) {
    const [wave, audio] = [one('svg.wave', player), one('audio', player)];
    if (!wave || !audio) return;
    const length = Number.isFinite(audio.duration) ? audio.duration : lengthOf(wave);
    const x = length > 0 ? Math.min(760, (760 * audio.currentTime) / length) : 0;
    one('clipPath rect', wave)?.setAttribute('width', x.toFixed(1));
    one('path.head', wave)?.setAttribute('d', `M${x.toFixed(1)} -3v134`);
    const at = one('[data-at]', player);
    if (at) at.textContent = clock(audio.currentTime);
  }

  for (const name of ['timeupdate', 'seeked']) {
    document.addEventListener(name, (event) => { const player = event.target.closest?.('.player'); if (player) show(player); }, true);
  }
  for (const name of ['play', 'pause', 'ended']) {
    document.addEventListener(name, (event) => {
      const player = event.target.closest?.('.player');
      const button = player && one('[data-play]', player);
      if (!button) return;
      button.setAttribute('aria-label', event.target.paused ? 'Play' : 'Pause');
      player.classList.toggle('playing', !event.target.paused);
    }, true);
  }

  const dressAll = () => all('.player').forEach(dress);
  document.addEventListener('htmx:after:swap', dressAll);
  dressAll();

  // What the keys of the review queue do.
  window.fairdialPlayer = {
    toggle: () => { const audio = one('.player audio'); if (audio) toggle(audio); },
    skip: (seconds) => { const audio = one('.player audio'); if (audio) seek(audio, audio.currentTime + seconds); },
    speed: (steps) => {
      const select = one('.player select[data-speeds]');
      if (!select) return;
      const next = select.options[select.selectedIndex + steps];
      if (!next) return;
      select.value = next.value;
      select.dispatchEvent(new Event('change', { bubbles: true }));
    },
  };
})();
