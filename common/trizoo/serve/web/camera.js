
/** The camera's pictures, one after the other: the next one is sent once the last one's answer is drawn. */
async function startCamera() {
  showError("");
  if (!navigator.mediaDevices?.getUserMedia) {
    showError("Browsers give a page the camera only at localhost or over https.");
    return;
  }
  const number = ++state.asked;
  byId("busy").hidden = true; // a picture that is on its way is given up
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 }, facingMode: "environment" }, audio: false });
  } catch (error) {
    showError(`The camera can't be used: ${error.message || error.name}.`);
    return;
  }
  if (number !== state.asked) {
    stream.getTracks().forEach((track) => track.stop());
    return;
  }
  state.stream = stream;
  const button = byId("camera");
  button.textContent = "Stop camera";
  button.setAttribute("aria-pressed", "true");
  byId("status").textContent = "The camera is on.";
  const video = Object.assign(document.createElement("video"), { srcObject: stream, muted: true, playsInline: true });
  await video.play();
  let rate = 0;
  while (state.stream === stream) {
    const started = performance.now();
    const frame = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    frame.getContext("2d").drawImage(video, 0, 0);
    try {
      const told = await ask(await frame.convertToBlob({ type: "image/jpeg", quality: 0.9 }), "camera.jpg");
      if (state.stream !== stream) break;
      state.picture?.close?.();
      Object.assign(state, told, { picture: frame.transferToImageBitmap(), name: "camera.jpg" });
      reveal(true);
      refresh();
    } catch (error) {
      showError(error.message);
      break;
    }
    const now = 1000 / (performance.now() - started);
    rate = rate ? 0.8 * rate + 0.2 * now : now;
    byId("speed").textContent = `${rate.toFixed(1)} pictures a second`;
    await new Promise((done) => requestAnimationFrame(done));
  }
  if (state.stream === stream) stopCamera();
}

/** The last picture stays. */
function stopCamera() {
  if (!state.stream) return;
  state.stream.getTracks().forEach((track) => track.stop());
  state.stream = null;
  byId("camera").textContent = "Camera";
  byId("camera").setAttribute("aria-pressed", "false");
  byId("status").textContent = "The camera is off.";
  byId("speed").textContent = "";
}
