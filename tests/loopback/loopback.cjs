// The same rule for each Node process a test starts: sockets reach 127.0.0.1, ::1 and unix paths only.
"use strict";
const net = require("node:net");

const LOOPBACK = /^(localhost|127(\.\d+){3}|::1)$/;

function check(options) {
  const host = options && typeof options === "object" ? (options.path ? "localhost" : options.host) : "localhost";
  if (host !== undefined && host !== null && !LOOPBACK.test(String(host))) {
    throw new Error(`connect to ${host}: tests talk to 127.0.0.1 and ::1 only`);
  }
}

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const first = Array.isArray(args[0]) ? args[0][0] : args[0];
  check(typeof first === "number" ? { host: args[1] } : first);
  return connect.apply(this, args);
};
