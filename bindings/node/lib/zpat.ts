#!/usr/bin/env node
/** The command `zpat`. */
import { native } from './addon';

process.exitCode = native.zpat(['zpat', ...process.argv.slice(2)]);
