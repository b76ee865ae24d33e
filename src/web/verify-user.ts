/**
 * Who is at the browser: the principal's id; `undefined` for nobody the host knows;
 * or what to answer instead, such as a redirect to the host's own sign-in page.
 */
export type VerifyUser = (
  request: Request,
) => Promise<string | Response | undefined> | string | Response | undefined;
