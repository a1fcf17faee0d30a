import { install } from './install.ts'

install(window as never)
