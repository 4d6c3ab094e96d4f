// The way to the kernel. In JupyterLab it is the widget's own model; in Voila the page speaks to the kernel itself, over
// the websocket every Jupyter server has: that spares the reader the five megabytes of JupyterLab's front end.
class Questions {
  constructor() {
    this.number = 0;
    this.open = new Map();
    this.onlost = () => {};
  }

  ask(question) {
    const ask = ++this.number;
    return new Promise((resolve) => {
      this.open.set(ask, resolve);
      this.send({ ...question, ask });
    });
  }

  answered(answer) {
    this.open.get(answer?.ask)?.(answer);
    this.open.delete(answer?.ask);
  }
}

class OverModel extends Questions {
  constructor(model) {
    super();
    this.send = (question) => model.send(question);
    model.on("msg:custom", (answer) => this.answered(answer));
  }
}

class OverSocket extends Questions {
  constructor(place) {
    super();
    this.place = place;
    this.session = crypto.getRandomValues(new Uint32Array(4)).join("");
    this.waiting = [];
    this.attempt = 0;
    this.connect();
    addEventListener("pagehide", (event) => { if (!event.persisted) this.leave(); });
  }

  connect() {
    const address = new URL(`${this.place.base}api/kernels/${this.place.kernel}/channels`, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    address.searchParams.set("session_id", this.session);
    const socket = new WebSocket(address);
    socket.addEventListener("open", () => {
      this.attempt = 0;
      this.socket = socket;
      this.waiting.splice(0).forEach((message) => socket.send(message));
    });
    socket.addEventListener("message", (event) => this.heard(event.data));
    socket.addEventListener("close", () => {
      this.socket = null;
      if (this.left) return;
      if (++this.attempt > 3) this.lost();
      else setTimeout(() => this.connect(), 400 * this.attempt);
    });
  }

  lost() {
    this.gone = true;
    this.onlost();
  }

  // The answer to a question that was on its way when the connection broke never comes; the view is asked for again.
  send(question) {
    if (this.gone) return this.onlost();
    const header = {
      msg_id: `${this.session}-${question.ask}`, msg_type: "comm_msg", session: this.session, username: "",
      version: "5.3", date: new Date().toISOString(),
    };
    const message = JSON.stringify({
      header, parent_header: {}, metadata: {}, buffers: [], channel: "shell",
      content: { comm_id: this.place.comm, data: { method: "custom", content: question } },
    });
    if (this.socket) this.socket.send(message);
    else this.waiting.push(message);
  }

  heard(data) {
    if (typeof data !== "string") return;
    const message = JSON.parse(data);
    const type = message.msg_type || message.header?.msg_type;
    if (type === "status" && ["dead", "restarting"].includes(message.content?.execution_state)) return this.lost();
    if (type !== "comm_msg" || message.content?.comm_id !== this.place.comm) return;
    if (message.content.data?.method === "custom") this.answered(message.content.data.content);
  }

  // A tab that closes takes its kernel along.
  leave() {
    this.left = true;
    const form = new FormData();
    const cookie = document.cookie.match(/\b_xsrf=([^;]*)/);
    if (cookie) form.append("_xsrf", cookie[1]);
    navigator.sendBeacon(`${this.place.base}voila/api/shutdown/${this.place.kernel}`, form);
    this.socket?.close();
  }
}
