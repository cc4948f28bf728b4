// The keys n and p go from station to station; the page is whole without them.
const stations = [...document.querySelectorAll("section.station")];
const keys = document.getElementById("keys");
keys.hidden = stations.length < 2;

function here() {
  const top = document.querySelector(".top").getBoundingClientRect().bottom + 24;
  return stations.findLastIndex((station) => station.getBoundingClientRect().top <= top);
}

function go(place) {
  const station = stations[Math.max(0, Math.min(place, stations.length - 1))];
  location.hash = station.id;
  station.querySelector("h2").focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || stations.length < 2) return;
  if (event.key === "n") go(here() + 1);
  else if (event.key === "p") go(here() - 1);
});
