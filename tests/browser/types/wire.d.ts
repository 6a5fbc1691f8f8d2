// Names for what travels between the pages and the server. `openapi.d.ts` is generated from the server's document.
import type { components } from './openapi';

type Schemas = components['schemas'];

export type Category = Schemas['CategoryResponse'];
export type CategoryList = Schemas['CategoryListResponse'];
export type MenuItem = Schemas['MenuResponse'];
export type Order = Schemas['OrderResponse'];
export type OrderList = Schemas['OrderListResponse'];
export type OrderStatus = Schemas['OrderStatus'];
export type TableLogin = Schemas['TableLoginResponse'];
export type TableLoginRequest = Schemas['TableLoginRequest'];

export type AdminLogin = Schemas['AdminLoginResponse'];
export type Dashboard = Schemas['DashboardResponse'];
export type DashboardTable = Schemas['DashboardTableResponse'];
export type OrderPage = Schemas['OrderPageResponse'];
export type PastOrder = Schemas['PastOrderResponse'];
export type CompletedTable = Schemas['CompleteTableResponse'];

export type Me = Schemas['MeResponse'];
export type MenuList = Schemas['MenuListResponse'];
export type Table = Schemas['TableResponse'];
export type TableList = Schemas['TableListResponse'];
export type Device = Schemas['DeviceResponse'];
export type DeviceList = Schemas['DeviceListResponse'];
export type User = Schemas['UserResponse'];
export type UserList = Schemas['UserListResponse'];
export type AuditEntry = Schemas['AuditEntryResponse'];
export type AuditList = Schemas['AuditListResponse'];
export type DemoStore = Schemas['DemoStoreResponse'];
export type SetupStatus = Schemas['SetupResponse'];
export type SetupCode = Schemas['SetupCodeResponse'];

/** The body of an error, with what some codes add. */
export type ErrorBody = Omit<Schemas['ErrorBody'], 'code'> & {
  code: string;
  menu_version?: number;
  changed?: { index: number; menu_name: string; unit_price: number }[];
};

/** A line of the cart: the name and price are those that the guest has seen. */
export interface CartLine {
  menu_id: number;
  name: string;
  price: number;
  quantity: number;
}
