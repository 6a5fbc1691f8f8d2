// The signed-in member of staff.
import { Login } from '../../lib/login.js';

export const login = new Login('staff');

export const { account, hasEnded, request, signOut } = login;
