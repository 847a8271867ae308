// Would stand between the browser and the gateway, if it were let in.
onfetch = (event) => event.respondWith(fetch(event.request));
