use crate::support::sys::{First, first_allocation};
use crate::support::{in_a_namespace, many, on, v4, veth, watching};

in_a_namespace! {
    fn nothing_is_allocated_before_the_kernel_has_the_address() {
        let (mut handle, index) = veth();
        let monitor = watching(&handle);
        let (first, results) = first_allocation(&monitor, || handle.ensure(&[v4(index)]));
        assert!(results[0].is_ok());
        assert_eq!(first, First::After);
    }

    fn nothing_is_allocated_before_the_kernel_has_let_the_address_go() {
        let (mut handle, index) = veth();
        assert!(handle.ensure(&[v4(index)])[0].is_ok());
        let monitor = watching(&handle);
        let (first, results) = first_allocation(&monitor, || handle.remove(&[v4(index)]));
        assert!(results[0].is_ok());
        assert_eq!(first, First::After);
    }

    fn nothing_is_allocated_before_the_kernel_has_sixty_four_addresses() {
        let (mut handle, index) = veth();
        let monitor = watching(&handle);
        let addresses = many(index, 64);
        let (first, results) = first_allocation(&monitor, || handle.ensure(&addresses));
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        assert_eq!(first, First::After);
        assert_eq!(on(&mut handle, index).len(), 64);
    }
}
