// The signed-in user.
import { explained } from '../../lib/api.js';
import { Login } from '../../lib/login.js';

export const login = new Login('staff');

export const { account, hasEnded, request, signOut } = login;

/** The message for staff. @param {import('../../lib/api.js').ApiError} error */
export const explain = (error) => explained(error, `staff.error.${error.code}`);
