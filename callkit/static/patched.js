// A specification with another laid over it: a JSON merge patch, RFC 7396.
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

function patched(target, patch) {
  if (!isObject(patch)) return patch;
  const result = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = patched(result[key], value);
  }
  return result;
}
