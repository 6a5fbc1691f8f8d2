import { useEffect, useRef } from './preact.js';

/** Whether the component was removed, for example while it waited for a response. */
export function useIsLeft() {
  const isLeft = useRef(false);
  useEffect(() => () => {
    isLeft.current = true;
  }, []);
  return isLeft;
}
