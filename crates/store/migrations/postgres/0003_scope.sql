-- What a key is for: words with a space between each; NULL is all that its role allows.
ALTER TABLE api_keys ADD COLUMN scope TEXT;
