// Functions of the page that the agent calls: loaded with the first call.

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
    JSON.stringify(result); // whether it can be sent
  } catch (error) {
    result = { error: String(error?.message ?? error) };
  }
  return { tool_call_id, function_name, arguments: given, result };
}
