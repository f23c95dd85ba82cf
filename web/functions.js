// Functions of the page that the agent calls: loaded with the first call.

// The channel takes 256 KiB in one message, and what it does not take nobody would be told of.
const MAX_CHARS = 50_000;

/**
 * @param {{tool_call_id, function_name, arguments}} call of RTVI
 * @param {Object<string, (args: object) => *>} [functions]
 * @returns {Promise<object>} the answer's data: result is what the function gave, or {error}
 */
export async function run(call, functions = {}) {
  const { tool_call_id, function_name, arguments: given = {} } = call;
  let result;
  try {
    if (!Object.hasOwn(functions, function_name))
      throw new Error(`this page has no function "${function_name}"`);
    result = await functions[function_name](given) ?? null;
    if (JSON.stringify(result)?.length > MAX_CHARS)
      throw new Error('the result is too long');
  } catch (error) {
    result = { error: String(error?.message ?? error).slice(0, 1_000) };
  }
  return { tool_call_id, function_name, arguments: given, result };
}
