// A worker that all pages of the system share, and that goes on when they are closed.
onconnect = ({ ports: [port] }) => {
  port.onmessage = async ({ data: { path, options } }) => {
    try {
      port.postMessage(await (await fetch(path, options)).text());
    } catch (error) {
      port.postMessage(String(error));
    }
  };
};
