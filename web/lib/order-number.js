/**
 * The order number without its date, which is the business day.
 *
 * @param {{ order_number: string }} order
 */
export function shortNumber({ order_number }) {
  return order_number.split('-')[1] ?? order_number;
}
