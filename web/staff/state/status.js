/** The status that follows each status. @type {Record<string, import('wire').OrderStatus>} */
export const NEXT = { pending: 'preparing', preparing: 'completed' };
