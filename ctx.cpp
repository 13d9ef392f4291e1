#include <ucontext.h>
#include <cstdio>
#include <chrono>
static ucontext_t a,b; static char st[65536];
static void f(){ for(;;) swapcontext(&b,&a);}
int main(){ getcontext(&b); b.uc_stack.ss_sp=st;b.uc_stack.ss_size=sizeof st;b.uc_link=&a;makecontext(&b,f,0);
auto t=std::chrono::steady_clock::now(); int n=1000000; for(int i=0;i<n;i++) swapcontext(&a,&b);
printf("%g ns a switch\n", std::chrono::duration<double>(std::chrono::steady_clock::now()-t).count()/n/2*1e9);}
