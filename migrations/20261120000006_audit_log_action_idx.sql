-- For looking up one kind of action.
CREATE INDEX audit_log_action_idx ON audit_log (store_id, action, id);
