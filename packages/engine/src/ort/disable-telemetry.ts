// ONNX Runtime's Linux builds collect usage data and leave files in the home and temporary folders unless this is set
// before the library is loaded. It reads the process's environment, so no option of ours can reach it.
process.env.ORT_DISABLE_TELEMETRY ??= '1';
