import { converge } from '../converge.mjs'

converge(16)
