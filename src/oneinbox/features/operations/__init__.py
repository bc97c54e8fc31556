"""Operations: what was done to resources outside the database, step by step."""
