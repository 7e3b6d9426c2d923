// What `eslint` holds this peer to: the recommended rules, nothing switched off.

import js from '@eslint/js';
import globals from 'globals';

export default [
  js.configs.recommended,
  { languageOptions: { ecmaVersion: 2022, sourceType: 'module', globals: globals.nodeBuiltin } },
];
